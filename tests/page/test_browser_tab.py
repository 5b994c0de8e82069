"""The browser that the other tests here use: it tells what a page does, and what no page may do."""

HEAD = "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>A page</title>"


def test_a_page_is_shown_and_answers(tab):
    tab.show(f"{HEAD}<button>0</button><script>let n = 0; document.querySelector('button').onclick = "
             "(event) => { n += 1; event.target.textContent = String(n); };</script>")  # fmt: skip
    assert tab.driver.title == "A page"
    tab.point(tab.find("button"), 4, 4, click=True)
    tab.press(" ")
    assert tab.run("return document.querySelector('button').textContent") == "2"


def test_console_messages_and_requests_are_complaints(tab):
    tab.show(f"{HEAD}<script>console.log('told'); setTimeout(() => absent(), 0);</script>"
             "<img alt='' src='https://example.org/dot.png'>")  # fmt: skip
    tab.wait("return document.readyState === 'complete'")
    told = "\n".join(tab.complaints())
    assert '"told"' in told
    assert "absent is not defined" in told
    assert "request: https://example.org/dot.png" in told
    assert tab.complaints() == []


def test_what_a_policy_refuses_is_a_complaint_but_scripts_of_tests_run(tab):
    policy = "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">"
    tab.show(f"{HEAD}{policy}<script>document.title = 'run'</script>")
    assert tab.run("return document.title") == "A page"
    assert "Content Security Policy" in "\n".join(tab.complaints())


def test_width_colours_and_motion_are_those_asked_for(tab):
    tab.show(f"{HEAD}<p>text")
    tab.resize(390)
    tab.prefer(dark=True, still=True)
    assert tab.run("return innerWidth") == 390
    assert tab.run("return matchMedia('(prefers-color-scheme: dark)').matches")
    assert tab.run("return matchMedia('(prefers-reduced-motion: reduce)').matches")


def test_what_is_not_accessible_is_told_with_its_place(tab, accessible):
    tab.show(f"{HEAD}<main><h1>A page</h1><p style='color: #888'>grey</p><button></button></main>")
    found = tab.violations()
    assert [line.partition(":")[0] for line in found] == ["button-name", "color-contrast"]
    assert "<button></button>" in found[0]
    tab.show(f"{HEAD}<main><h1>A page</h1><p>black</p><button>named</button></main>")
    accessible("a page without fault")
