"""The page's markup: what is inlined has ids and colours of the page."""

from tests.experiments.report.page import DOT, Page

from twinsync.experiments.columns import TableCell
from twinsync.experiments.figures import Drawn
from twinsync.experiments.report.document import Document, Field, Paragraph, Picture, table
from twinsync.experiments.report.html import inline_svg, to_html


def test_an_inlined_svg_has_ids_and_colours_of_the_page():
    svg = inline_svg(DOT, "fig", "two <dots>")
    assert '<g clip-path="url(#fig-0)"><use href="#fig-0" style="fill: var(--ink)"/>' in svg
    assert 'aria-label="two &lt;dots&gt;"' in svg


def test_an_inlined_svg_is_lean_and_its_words_are_as_they_were():
    drawn = (
        '<svg viewBox="0 0 9 9"><path id="p" d="M 1.23456 2 \nL 7.999999 3.5"/>\n <text x="1">0.00512  s</text></svg>'
    )
    assert '<path d="M 1.23 2 L 8 3.5"/><text x="1">0.00512  s</text>' in inline_svg(drawn, "fig", "")


def test_an_id_that_is_used_keeps_its_references_and_a_colour_is_none():
    drawn = '<svg viewBox="0 0 9 9"><g id="a"><path id="m1" style="fill: #123abc"/><use xlink:href="#m1"/></g></svg>'
    svg = inline_svg(drawn, "fig", "")
    assert '<g><path id="fig-0" style="fill: #123abc"/><use href="#fig-0"/></g>' in svg


def test_elements_that_look_alike_share_a_class():
    drawn = '<svg viewBox="0 0 9 9"><path style="fill: red"/><path style="fill: none"/><path style="fill: red"/></svg>'
    text = to_html(Document("t", "s", [Picture("dot", "m", "c")]), {"dot": Drawn("dot", drawn, drawn)})
    assert text.count('<path class="k0"/><path class="k1"/><path class="k0"/>') == 2  # for a page and for a phone
    assert ".k0{fill: red}\n.k1{fill: none}\n</style>" in text


def test_a_page_without_points_that_answer_has_no_script():
    assert "<script" not in to_html(Document("t", "s"), {"dot": Drawn("dot", DOT, DOT)})


def test_a_table_shows_its_fields_with_small_print_and_stress():
    fields = [Field[int]("Word", str, words=True), Field[int]("Twice", lambda item: TableCell(str(2 * item), "small"))]
    block = table("Caption", fields, [3, 4], strong=lambda item: item == 4)
    text = to_html(Document("t", "s", [block]), {})
    assert Page(text).rows == [["Word", "Twice"], ["3", "6 (small)"], ["4", "8 (small)"]]
    assert text.count('<tr class="strong">') == 1
    assert text.count('class="words"') == 3  # the first column, from its head down


def test_prose_has_subscripts_and_numbers_that_keep_their_per_cent_sign():
    prose = "At φ_min, f_u_max, n_(i−1) and `phi_min`: 95 % of my_key, 5 of %"
    text = to_html(Document("t", "s", [Paragraph(prose)]), {})
    shown = "At φ<sub>min</sub>, f<sub>u,max</sub>, n<sub>i−1</sub> and <code>phi_min</code>: 95\xa0% of my_key, 5 of %"
    assert f"<p>{shown}</p>" in text
