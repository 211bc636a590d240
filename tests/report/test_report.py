"""The report: what is on the page, that names stay text, and that it works in a real browser from disk."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import foldwise as fw
from foldwise.errors import OptionError
from foldwise.report.page import _named

EVIL = [
    "</script><script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 2'>",
    "$$\\frac{1}{2}$$",
    "a\"b'c&d",
    "<%= window.hacked = 3 %>",
    "{{ 7 * 7 }}",
    "__proto__",
    "naïve 基因",
]


@pytest.fixture(scope="module")
def fit() -> fw.Fit:
    counts = fw.simulate(n_genes=400, n_samples=8, n_batches=2, seed=3).data.counts
    samples = pd.DataFrame({"batch": ["b1"] * 4 + ["b2"] * 4, "condition": ["<b>A</b>", "$$B$$"] * 4})
    samples.index = [f"s<{k}>" for k in range(8)]
    counts.columns = samples.index
    counts.index = EVIL + list(counts.index[len(EVIL) :])
    counts.iloc[:8] = (counts.iloc[:8] + 30) * np.where(samples["condition"] == "$$B$$", 8, 1)
    counts.iloc[20] = 0
    return fw.deseq(fw.CountData(counts, samples), "~ batch + condition", fit_type="mean")


@pytest.fixture(scope="module")
def results(fit: fw.Fit) -> dict[str, Any]:
    return {
        "</title><script>window.hacked = 4</script>": fit.results(("condition", "$$B$$", "<b>A</b>")),
        "batch": fit.results(("batch", "b2", "b1")),
    }


@pytest.fixture(scope="module")
def page(fit: fw.Fit, results: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "folder" / "report.html"
    return fw.report(fit, results, path, title="<script>window.hacked = 5</script>")


class Outline(HTMLParser):
    """Tags, texts and images of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.scripts: list[str] = []
        self.text: list[str] = []
        self.ids: list[str] = []
        self.inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        self.tags.append(tag)
        found = dict(attrs)
        if tag == "img":
            self.images.append(found)
        self.links += [str(value) for name, value in attrs if name in ("src", "href")]
        self.ids += [str(value) for name, value in attrs if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        (self.scripts if self.inside == "script" else self.text).append(data)


# ------------------------------------------------------------------------------------------------- without a browser
def test_the_page_is_one_file_that_needs_no_network(page: Path) -> None:
    outline = Outline(page.read_text("utf-8"))
    assert all(link.startswith(("#", "data:")) for link in outline.links)
    assert [file.name for file in page.parent.iterdir()] == ["report.html"]
    assert page.stat().st_size < 5_000_000


def test_the_page_says_what_was_done(page: Path, results: dict[str, Any]) -> None:
    text = " ".join(Outline(page.read_text("utf-8")).text)
    assert "DESeq2 method (Love et al. 2014)" in text
    assert "~ batch + condition" in text
    assert "doi:10.1186/s13059-014-0550-8" in text
    assert fw.__version__ in text and "numpy" in text
    for one in results.values():
        assert f"{int((one.table['padj'] < 0.1).sum()):,} genes had a BH-adjusted p-value below 0.1" in text
        for status, number in one.table["status"].value_counts().items():
            assert status in text and f"{number:,}" in text


def test_every_picture_has_words(page: Path) -> None:
    outline = Outline(page.read_text("utf-8"))
    assert len(outline.images) >= 12
    assert all(len(str(image["alt"])) > 20 for image in outline.images)
    assert len(outline.ids) == len(set(outline.ids))


def test_names_never_become_markup(page: Path) -> None:
    html = page.read_text("utf-8")
    outline = Outline(html)
    assert not [script for script in outline.scripts if script.strip().startswith("window.hacked")]
    assert "<img src=x" not in html
    assert set(outline.tags).isdisjoint({"b", "i", "iframe", "object"})
    data = next(s for s in outline.scripts if s.startswith('{"shared"'))
    assert json.loads(data)["shared"]["samples"][0] == "s<0>"
    assert "<" not in data


def test_the_same_report_is_the_same_bytes_but_for_model_numbers(
    fit: fw.Fit, results: dict[str, Any], page: Path, tmp_path: Path
) -> None:
    again = fw.report(fit, results, tmp_path / "again.html", title="<script>window.hacked = 5</script>")

    def without_numbers(path: Path) -> str:
        return re.sub(r"\bp\d{4,}\b", "p", path.read_text("utf-8"))  # Bokeh counts its models up from 1001 in a process

    assert without_numbers(again) == without_numbers(page)


def test_results_come_alone_in_a_list_or_named(fit: fw.Fit, results: dict[str, Any]) -> None:
    one, two = results.values()
    assert list(_named(one)) == [one.contrast.description]
    assert list(_named([one, one])) == [one.contrast.description, f"{one.contrast.description} (2)"]
    with pytest.raises(OptionError, match="needs results"):
        fw.report(fit, {}, "never.html")


# --------------------------------------------------------------------------------------------------- in a real browser
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    program = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("no chromium with chromedriver on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1300,1100"):
        options.add_argument(argument)
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND")  # no network
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield opened
    opened.quit()


def until(browser: Any, script: str, seconds: float = 30.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = browser.execute_script(script)
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"never true: {script}")


@pytest.fixture
def opened(browser: Any, page: Path) -> Any:
    browser.get(page.as_uri())
    until(browser, "return window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle")
    return browser


def shown(browser: Any, key: str = "c0") -> str:
    return str(browser.find_element("id", f"{key}-gene").text)


@pytest.mark.browser
def test_the_page_opens_without_complaint_and_runs_no_name(opened: Any) -> None:
    assert not [entry for entry in opened.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    assert opened.execute_script("return typeof window.hacked") == "undefined"


@pytest.mark.browser
def test_choosing_a_gene_shows_its_counts_and_explanation(opened: Any, fit: fw.Fit, results: dict[str, Any]) -> None:
    one = next(iter(results.values()))
    names = opened.execute_script("return Array.from(foldwise.open('c0').genes.data.gene)")
    for evil in EVIL:
        opened.execute_script("foldwise.choose('c0', arguments[0])", names.index(evil))
        assert shown(opened).startswith(evil)
        assert opened.execute_script("return foldwise.open('c0').genes.selected.indices[0]") == names.index(evil)
        heights = opened.execute_script("return Array.from(foldwise.open('c0').counts.data.y)")
        np.testing.assert_allclose(heights, fit.counts(normalized=True).loc[evil] + 0.5, rtol=1e-3)
        assert f"{one.table.loc[evil, 'log2FoldChange']:.3f}" in shown(opened)
    assert opened.execute_script("return typeof window.hacked") == "undefined"


@pytest.mark.browser
def test_the_page_explains_as_python_does(opened: Any, fit: fw.Fit, results: dict[str, Any]) -> None:
    one = next(iter(results.values()))
    gene = str(one.table["pvalue"].idxmin())
    names = opened.execute_script("return Array.from(foldwise.open('c0').genes.data.gene)")
    opened.execute_script("foldwise.choose('c0', arguments[0])", names.index(gene))
    cells = opened.execute_script(
        "return Array.from(document.querySelectorAll('#c0-gene td')).map((c) => c.textContent)"
    )
    expected = fw.Fit.explain(fit, gene, ("condition", "$$B$$", "<b>A</b>")).table["log2"]
    found = [float(cell) for cell in cells[1::2]]
    np.testing.assert_allclose(found, expected, atol=0.0051)


@pytest.mark.browser
def test_searching_and_saving(opened: Any, results: dict[str, Any]) -> None:
    one = next(iter(results.values()))
    field = opened.find_element("id", "c0-search")
    field.send_keys("gene1")
    wanted = [name for name in one.table.index if "gene1" in name]
    until(opened, f"return document.getElementById('c0-shown').textContent === '{len(wanted)} genes'")
    lines = opened.execute_script("return foldwise.csv('c0')").splitlines()
    assert lines[0] == "gene,baseMean,log2FoldChange,lfcSE,pvalue,padj,status"
    assert len(lines) == len(wanted) + 1
    gene, mean, lfc, _, pvalue, _, status = lines[1].split(",")
    row = one.table.loc[gene.strip('"')]
    assert float(mean) == pytest.approx(row["baseMean"], rel=1e-6)
    assert float(lfc) == pytest.approx(row["log2FoldChange"], rel=1e-6)
    assert float(pvalue) == row["pvalue"] and status == row["status"]
    field.send_keys("\ue007")  # Enter chooses the first
    assert shown(opened).startswith("gene1")


@pytest.mark.browser
def test_buttons_work_from_the_keyboard(opened: Any, results: dict[str, Any]) -> None:
    one = next(iter(results.values()))
    button = opened.find_element("css selector", "button[data-key=c0][data-do=significant]")
    button.send_keys("\ue007")
    number = int((one.table["padj"] < 0.1).sum())
    until(opened, f"return document.getElementById('c0-shown').textContent.startsWith('{number} gene')")
    following = opened.find_element("css selector", "button[data-key=c0][data-do=next]")
    following.send_keys("\ue007")
    first = shown(opened)
    following.send_keys("\ue007")
    assert shown(opened) != first


@pytest.mark.browser
def test_clicking_a_point_chooses_the_gene_there(opened: Any) -> None:
    for which, x, y in (("ma", "mx", "my"), ("volcano", "vx", "vy")):
        opened.execute_script("document.getElementById('c0').scrollIntoView()")
        index, px, py = opened.execute_script(
            f"""const c = foldwise.open('c0'), f = c.{which}, g = c.genes.data;
            const view = Bokeh.index.find_one(f), frame = view.frame, box = view.el.getBoundingClientRect();
            const sx = frame.x_scale.compute(g.{x}[0]) , sy = frame.y_scale.compute(g.{y}[0]);
            return [0, box.left + sx, box.top + sy];"""
        )
        from selenium.webdriver.common.action_chains import ActionChains

        opened.execute_script("foldwise.choose('c0', 30)")
        actions = ActionChains(opened)
        actions.w3c_actions.pointer_action.move_to_location(round(px), round(py))
        actions.w3c_actions.pointer_action.click()
        actions.perform()
        until(opened, f"return foldwise.open('c0').current === {index}", 5)


@pytest.mark.browser
def test_a_click_is_answered_at_once(opened: Any) -> None:
    """The script's own part; what the browser then paints depends on the machine."""
    times = [
        opened.execute_script(
            f"const t = performance.now(); foldwise.choose('c1', {10 * k}); return performance.now() - t"
        )
        for k in range(1, 12)
    ]
    assert np.median(times) < 100


@pytest.mark.browser
def test_the_printed_page_has_tables_instead_of_scripts(opened: Any) -> None:
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        look = "return getComputedStyle(document.querySelector('{}')).display"
        assert opened.execute_script(look.format(".live")) == "none"
        assert opened.execute_script(look.format(".printed")) == "block"
    finally:
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_samples_are_coloured_by_group_and_shaped_by_the_other_covariate(fit: fw.Fit) -> None:
    checked = fw.quality(fit)
    assert (checked.group, checked.second) == ("condition", "batch")
    said = [text.get_text() for text in checked.pca().get_legend().get_texts()]
    assert "batch" in said and "condition" in said
