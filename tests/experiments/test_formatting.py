"""Numbers as people read them."""

from twinsync.experiments.formatting import compared, duration, number, symbol


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_numbers_have_true_minus_signs_and_thousands_apart():
    assert number(-1234.56) == "−1,234.6"
    assert number(float("nan")) == "–"


def test_comparisons_give_both_numbers_where_a_ratio_means_nothing():
    assert plain(compared(90.0, 100.0)) == "10.0 % less than"
    assert compared(5.0, -2.0) == "5.0, against −2.0 for"


def test_long_times_are_in_words():
    assert plain(duration(3725.0)) == "1 h 2 min"


def test_greek_names_become_letters():
    assert [symbol(name) for name in ("sigma_theta", "beta_0", "phi_min")] == ["σ_θ", "β_0", "φ_min"]
