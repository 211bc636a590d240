"""0: done; 1: the data cannot be fitted; 2: wrong use; 130, 143: stopped. Never a traceback, never half of the files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import anndata
import pandas as pd
import pytest

from foldwise.cli.left_overs import prefix
from foldwise.cli.staging import staged_folder

RUN = ("run", "counts.tsv", "samples.csv", "--no-pictures", "--out", "out")
CONDITION = ("--design", "~ condition")

WRONG_USE = {
    "no design": (),
    "unknown column": ("--design", "~ condtion"),
    "formula that ends early": ("--design", "~ condition +"),
    "unknown level": (*CONDITION, "--contrast", "condition,treated,mock"),
    "two-part contrast": (*CONDITION, "--contrast", "condition,treated"),
    "unknown coefficient": (*CONDITION, "--name", "condition_x"),
    "alpha out of range": (*CONDITION, "--alpha", "2"),
    "unknown fit type": (*CONDITION, "--fit-type", "loess"),
    "LRT without a reduced model": (*CONDITION, "--test", "LRT"),
    "reduced model outside the full one": (*CONDITION, "--test", "LRT", "--reduced", "~ batch"),
    "unknown base level": (*CONDITION, "--reference", "condition=mock"),
    "reference without a level": (*CONDITION, "--reference", "condition"),
    "unknown factor column": (*CONDITION, "--factor", "lane"),
    "unknown option": (*CONDITION, "--foo"),
    "no such file": (*CONDITION, "--contrasts", "nowhere.csv"),
    "the same comparison twice": (*CONDITION, *("--contrast", "condition,treated,control") * 2),
    "out is a file": (*CONDITION, "--out", "counts.tsv"),
}


@pytest.mark.parametrize("arguments", WRONG_USE.values(), ids=WRONG_USE)
def test_wrong_use_is_2_before_anything_is_fitted(files, within, arguments):
    done = within(*RUN, *arguments)
    assert done.code == 2, done.err
    assert "Traceback" not in done.err
    assert "coefficients:" not in done.err
    assert not (files / "out").exists()


def edited(files, old: str, new: str, name: str = "counts.tsv") -> None:
    text = (files / name).read_text()
    assert old in text
    (files / name).write_text(text.replace(old, new, 1))


@pytest.mark.parametrize("value", ["-4", "4.5", "NA", "many", ""])
def test_counts_that_are_none_are_1_and_named(files, within, value):
    lines = (files / "counts.tsv").read_text().splitlines()
    cells = lines[4].split("\t")
    lines[4] = "\t".join([cells[0], value, *cells[2:]])
    (files / "counts.tsv").write_text("\n".join(lines))
    done = within(*RUN, *CONDITION)
    assert done.code == 1, done.err
    assert "s1" in done.err
    assert "gene3" in done.err or "row 5" in done.err
    assert not (files / "out").exists()


def test_confounded_designs_and_missing_covariates_are_1(files, within):
    (files / "samples.csv").write_text(
        "sample,condition,batch\n" + "".join(f"s{i},{'ab'[i % 2]},{'xy'[i % 2]}\n" for i in range(1, 9))
    )
    done = within(*RUN, "--design", "~ batch + condition")
    assert done.code == 1
    assert "full rank" in done.err
    edited(files, "s3,b", "s3,NA", "samples.csv")
    assert within(*RUN, *CONDITION).code == 1


def test_unreadable_files_and_other_samples_are_2(files, within):
    edited(files, "s3,", "s33,", "samples.csv")
    done = within(*RUN, *CONDITION)
    assert done.code == 2
    assert "s33" in done.err
    (files / "counts.tsv").write_bytes(b"\x1f\x8b\x08\x00damaged")
    assert within(*RUN, *CONDITION).code == 2
    (files / "counts.tsv").write_bytes(b"")
    assert within(*RUN, *CONDITION).code == 2


def test_debug_shows_the_traceback(files, process):
    edited(files, "gene3\t", "gene3\t-", "counts.tsv")
    done = process("--debug", *RUN, *CONDITION)
    assert "Traceback" in done.err
    assert done.code == 1


def test_unknown_commands_are_answered_by_the_nearest(within):
    done = within("runn")
    assert done.code == 2
    assert "'run'" in done.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_leaves_nothing(files, heed_ctrl_c, number, code):
    command = [sys.executable, "-m", "foldwise.cli", "run", "counts.tsv", "samples.csv", "--out", "out", *CONDITION]
    running = subprocess.Popen(
        command,
        cwd=files,
        stderr=subprocess.PIPE,
        env=os.environ,
        preexec_fn=heed_ctrl_c,
    )
    until = time.monotonic() + 120
    while not (files / "out").exists() and running.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    running.send_signal(number)
    err = running.communicate(timeout=120)[1].decode()
    assert running.returncode == code, err
    assert "Traceback" not in err
    assert err.count("nothing half-written is left behind") == 1
    assert not (files / "out").exists()


def test_a_signal_between_two_folders_leaves_none(tmp_path, monkeypatch):
    def stopped(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr("foldwise.cli.staging.tempfile.mkdtemp", stopped)
    with pytest.raises(KeyboardInterrupt), staged_folder(tmp_path / "out"):
        pass
    assert not (tmp_path / "out").exists()


def test_folders_of_killed_runs_go_with_the_next_run_and_others_stay(files, within):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    ended, running = (prefix().replace(f"-{os.getpid()}-", f"-{n}-") + "abcd_123" for n in (gone.pid, os.getpid()))
    elsewhere, old = ".foldwise-00000000-1-abcd_123", ".foldwise-00000000-2-abcd_123"
    names = [ended, running, elsewhere, old, ".foldwise-kernels", ".foldwise-mine"]
    for name in names:
        (files / "out" / name).mkdir(parents=True)
        (files / "out" / name / "half.tsv").write_text("gene")
    os.utime(files / "out" / old, (time.time() - 2 * 86400,) * 2)
    assert within(*RUN, "--design", "~ nothing").code == 2
    assert all((files / "out" / name).exists() for name in names)
    assert within(*RUN, *CONDITION).code == 0
    left = {path.name for path in (files / "out").iterdir() if path.is_dir()}
    assert left == set(names) - {ended, old}


@pytest.mark.parametrize("value", ["abc", "0", "-2", "1.5"])
def test_a_number_of_threads_that_is_none_is_refused(files, within, monkeypatch, value):
    monkeypatch.setenv("FOLDWISE_NUM_THREADS", value)
    done = within(*RUN, *CONDITION)
    assert done.code == 2 and "FOLDWISE_NUM_THREADS" in done.err and value in done.err
    assert within("run", "--help").code == 0
    assert within(*RUN, *CONDITION, "--threads", "1", "--quiet").code == 0


def test_warm_up_says_at_once_what_it_does(within, monkeypatch, capsys):
    def compile_all():
        assert "about half a minute" in capsys.readouterr().err

    monkeypatch.setattr("foldwise.warming.warm_up", compile_all)
    assert within("warm-up").code == 0


def test_ctrl_c_inside_an_exec_still_exits_130(files, heed_ctrl_c):
    script = (
        "import signal\n"
        "from foldwise import cli\n"
        "def stopped(**_):\n"
        "    exec('signal.raise_signal(signal.SIGINT)', {'signal': signal})\n"
        "cli.cli.main = stopped\n"
        "cli.main([])\n"
    )
    (files / "stopped.py").write_text(script)
    done = subprocess.run(
        [sys.executable, "-m", "stopped"],
        cwd=files,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=heed_ctrl_c,
    )
    assert done.returncode == 130, done.stderr
    assert "nothing half-written" in done.stderr


def test_a_reader_that_has_seen_enough_is_no_error(files):
    command = [sys.executable, "-m", "foldwise.cli", "transform", "counts.tsv", "--method", "log2"]
    running = subprocess.Popen(command, cwd=files, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None
    running.stdout.close()
    err = running.communicate(timeout=120)[1]
    assert b"Traceback" not in err
    assert b"BrokenPipe" not in err
    assert running.returncode == 0


@pytest.mark.parametrize("ending", ["xlsx", "h5ad", "rds"])
def test_tables_are_not_written_under_other_formats_names(files, within, ending):
    done = within("transform", "counts.tsv", "--method", "log2", "--out", f"x.{ending}")
    assert done.code == 2
    assert f".{ending}" in done.err
    assert not (files / f"x.{ending}").exists()


@pytest.mark.parametrize(
    ("program", "file"), [("salmon", "quant.sf"), ("kallisto", "abundance.tsv"), ("rsem", "s1.genes.results")]
)
def test_folders_of_quantifiers_are_named(files, within, program, file):
    (files / "quants" / "s1").mkdir(parents=True)
    (files / "quants" / "s1" / file).write_text("Name\tLength\nt1\t100\n")
    done = within("run", "quants", "samples.csv", "--out", "out", *CONDITION)
    assert done.code == 2
    assert program in done.err and "fw.read_tximport" in done.err


@pytest.mark.parametrize("name", ["counts.parquet", "counts.h5ad"])
def test_files_cut_off_are_2(files, within, name):
    table = pd.read_csv(files / "counts.tsv", sep="\t", index_col=0)
    if name.endswith("parquet"):
        table.to_parquet(files / name)
    else:
        anndata.AnnData(table.T.astype(float)).write_h5ad(files / name)
    whole = (files / name).read_bytes()
    (files / name).write_bytes(whole[: len(whole) // 2])
    done = within("run", name, "samples.csv", "--out", "out", *CONDITION)
    assert done.code == 2, done.err
