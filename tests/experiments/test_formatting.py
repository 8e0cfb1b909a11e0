"""Numbers as people read them."""

from twinsync.experiments.formatting import compared, cost, drawn_symbol, duration, number, symbol


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_numbers_have_true_minus_signs_and_thousands_apart():
    assert number(-1234.56) == "−1,234.6"
    assert number(-0.04) == "0.0"
    assert number(float("nan")) == "–"


def test_comparisons_give_both_numbers_where_a_ratio_means_nothing():
    assert plain(compared(90.0, 100.0)) == "10.0 % less than"
    assert compared(5.0, -2.0) == "5.0, against −2.0 for"


def test_long_times_are_in_words():
    assert plain(duration(3725.0)) == "1 h 2 min"


def test_greek_names_become_letters():
    assert [symbol(name) for name in ("sigma_theta", "beta_0", "phi_min")] == ["σ_θ", "β_0", "φ_min"]


def test_charts_have_subscripts_where_unicode_has_them():
    names = ("threshold phi_min", "f_u", "alpha_3", "E_max", "n_b")
    assert [drawn_symbol(name) for name in names] == ["threshold φₘᵢₙ", "fᵤ", "α₃", "Eₘₐₓ", "n_b"]


def test_costs_keep_three_significant_digits():
    assert [cost(value) for value in (127.23, 83.94, 2.678, -2.678, 0.0)] == ["127.2", "83.9", "2.68", "−2.68", "0.0"]
    assert cost(float("nan")) == "–"
