"""Wherever blocks run, the numbers are the same bits."""

from __future__ import annotations

import io
import os
import threading

import numpy as np
import pytest

import foldwise as fw
from foldwise.errors import FitError
from foldwise.execution import ThreadExecutor
from foldwise.execution.progress import ProgressBar
from foldwise.execution.threads import _threads_asked, available_threads


def bits(fit) -> bytes:
    genes = fit.genes.astype(float).to_numpy().tobytes()
    return (
        genes
        + fit.results([0.0] * (len(fit.coefficient_names) - 1) + [2.0])
        .table.drop(columns="status")
        .to_numpy()
        .tobytes()
    )


@pytest.mark.parametrize(
    "run", [2, 7, "serial", ThreadExecutor(3, genes_per_block=17), ThreadExecutor(1, genes_per_block=1000)]
)
def test_threads_and_block_sizes_change_nothing(replicated, run):
    one = bits(fw.deseq(replicated, "~ condition", executor=ThreadExecutor(1, genes_per_block=50), progress=False))
    assert bits(fw.deseq(replicated, "~ condition", executor=run, progress=False)) == one


def test_fits_in_several_threads_at_once(replicated):
    one = bits(fw.deseq(replicated, "~ condition", executor=2, progress=False))
    found: list[bytes] = []

    def work():
        found.append(bits(fw.deseq(replicated, "~ condition", executor=2, progress=False)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [one] * 4


@pytest.mark.parametrize("bad", [0, -1, "many", 2.5, True])
def test_an_executor_that_is_none(data, bad):
    with pytest.raises(fw.OptionError, match="executor"):
        fw.deseq(data, "~ condition", executor=bad)


def test_progress_is_told_of_every_stage(data):
    told = []
    fw.deseq(data, "~ condition", progress=lambda stage, done, total: told.append((stage, done, total)), executor=2)
    stages = dict.fromkeys(stage for stage, _, _ in told)
    assert {"size factors", "gene-wise dispersions", "coefficients"} <= set(stages)
    for stage in stages:
        assert any(done == total for s, done, total in told if s == stage)


def test_an_error_in_a_block_reaches_the_caller(data):
    def broken(counts, genes, shared):
        raise ZeroDivisionError("in a block")

    with pytest.raises(ZeroDivisionError):
        ThreadExecutor(2, genes_per_block=10).over_genes("x", broken, data.source, {}, None)


def test_each_stage_counts_one_thing(data):
    """Genes everywhere but in the stage of the size factors, which goes over samples."""
    totals = {}
    fw.deseq(data, "~ condition", progress=lambda stage, done, total: totals.setdefault(stage, set()).add(total))
    assert totals["size factors"] == {data.n_samples}
    assert totals["geometric means"] == totals["gene-wise dispersions"] == {data.n_genes}


def test_plain_lines_name_what_is_counted():
    stream = io.StringIO()
    tell = ProgressBar(stream)
    for stage, total in (("size factors", 6), ("coefficients", 1), ("fits", 3)):
        tell(stage, 0, total)
        tell(stage, total, total)
    lines = stream.getvalue().splitlines()
    assert [line.split(",")[0] for line in lines] == ["size factors: 6 samples", "coefficients: 1 gene", "fits: 3 fits"]


@pytest.mark.parametrize(("width", "drawn"), [(0, False), (80, True)])
def test_a_terminal_without_width_gets_plain_lines(width, drawn):
    pytest.importorskip("termios", reason="needs a terminal")
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 0 if width == 0 else 24, width, 0, 0))
    with os.fdopen(theirs, "w") as stream:
        tell = ProgressBar(stream)
        tell("coefficients", 0, 10)
        tell("coefficients", 10, 10)
        stream.flush()
        said = os.read(ours, 4096).decode()
    os.close(ours)
    assert ("coefficients: 10 genes, " in said) is not drawn
    assert ("it/s" in said or "%" in said) is drawn


@pytest.mark.parametrize("progress", ["yes", 2, [], 1.0])
def test_progress_is_yes_no_or_a_function(data, progress):
    with pytest.raises(fw.OptionError, match=r"progress=.*None \(a bar on a terminal\), True, False, or a function"):
        fw.deseq(data, "~ condition", progress=progress)


@pytest.mark.parametrize("asked", ["many", "0", "-2", "1.5", "\u00b2"])
def test_a_number_of_threads_that_is_none_is_said_once(monkeypatch, asked):
    _threads_asked.cache_clear()
    monkeypatch.setenv("FOLDWISE_NUM_THREADS", asked)
    with pytest.warns(fw.FoldwiseWarning, match="FOLDWISE_NUM_THREADS=.*is ignored") as told:
        assert available_threads() == available_threads() > 0
    assert len(told) == 1
    monkeypatch.setenv("FOLDWISE_NUM_THREADS", "3")
    assert available_threads() == 3


def test_a_cluster_gives_the_same_bits(replicated):
    distributed = pytest.importorskip("dask.distributed", reason="needs the dask extra")
    one = bits(fw.deseq(replicated, "~ condition", executor="serial", progress=False))
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        assert bits(fw.deseq(replicated, "~ condition", executor=client, progress=False)) == one


def test_sparse_and_stored_counts_give_the_same_bits(replicated, tmp_path):
    anndata = pytest.importorskip("anndata", reason="needs the anndata extra")
    sparse = pytest.importorskip("scipy.sparse")
    one = bits(fw.deseq(replicated, "~ condition", progress=False))
    csr = sparse.csr_array(replicated.counts.to_numpy())
    held = fw.CountData(csr, replicated.samples, genes=replicated.gene_names)
    assert bits(fw.deseq(held, "~ condition", progress=False)) == one
    adata = anndata.AnnData(sparse.csr_matrix(replicated.counts.T.to_numpy(dtype=np.float32)), obs=replicated.samples)
    adata.var_names = replicated.gene_names
    adata.write_h5ad(tmp_path / "x.h5ad")
    stored = anndata.read_h5ad(tmp_path / "x.h5ad", backed="r")
    assert bits(fw.deseq(fw.CountData(stored), "~ condition", progress=False)) == one


def test_a_worker_that_dies_changes_nothing(replicated, tmp_path):
    """The scheduler runs its tasks again: all that a task needs travels with it."""
    import os
    import signal

    distributed = pytest.importorskip("dask.distributed", reason="needs the dask extra")
    from foldwise.execution.dask import DaskExecutor

    one = bits(fw.deseq(replicated, "~ condition", executor="serial", progress=False))
    killed = []

    def kill_one(stage, done, total):
        if stage == "gene-wise dispersions" and not killed and 0 < done < total:
            pid = next(iter(client.run(os.getpid).values()))
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)

    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        run = DaskExecutor(client, genes_per_block=10, progress=kill_one)
        assert bits(fw.deseq(replicated, "~ condition", executor=run, progress=False)) == one
    assert killed


def test_a_closed_cluster_is_said_and_the_fit_goes_on_without_it(replicated):
    """The client is not Dask's default one, as where a program has several."""
    distributed = pytest.importorskip("dask.distributed", reason="needs the dask extra")
    few = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.Client(processes=False, set_as_default=False, **few) as client:
        fit = fw.deseq(replicated, "~ condition", executor=client, progress=False)
    with pytest.raises(FitError, match=r"is closed.*fit\.with_executor\(None\)"):
        fit.shrink(type="normal")
    table = fit.with_executor(None).shrink(type="normal").table
    assert table.equals(fw.deseq(replicated, "~ condition", progress=False).shrink(type="normal").table)
