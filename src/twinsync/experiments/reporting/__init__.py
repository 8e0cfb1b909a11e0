"""What a report says and how it is written down: findings, tables and sections, as HTML and as Markdown."""
