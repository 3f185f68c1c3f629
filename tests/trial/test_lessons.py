from trial.lessons import to_html


def test_only_harmless_html_comes_out():
    html = to_html("<script>alert(1)</script>\n\n[x](javascript:alert(1)) ![i](https://x.example/i.png)")
    assert ("<script" in html, "href" in html, "<img" in html) == (False, False, False)


def test_headings_begin_under_the_title_of_the_page():
    assert to_html("# One\n\n## Two\n\n##### Five") == "<h2>One</h2>\n<h2>Two</h2>\n<h4>Five</h4>\n"


def test_words_are_marked_up():
    expected = '<p>Call <a href="tel:113" rel="noreferrer">113</a> <strong>now</strong></p>\n'
    assert to_html("Call [113](tel:113) **now**") == expected
