"""Memory is written again only where nothing reads what lies in it."""

from __future__ import annotations

import copy
import pickle

import torch

from heliostat_search.spare_memory import LEAST, SpareMemory

SIZE = (2, LEAST // 4)


def test_memory_is_taken_again_once_nobody_reads_it():
    spare = SpareMemory()
    first = spare.empty(SIZE)
    place, held = first.data_ptr(), first[1:]  # another tensor on the same memory
    del first
    second = spare.empty(SIZE)
    assert second.data_ptr() != place
    place = second.data_ptr()
    del second, held
    assert spare.empty(SIZE).data_ptr() == place


def test_arrays_storages_and_graphs_keep_their_memory():
    held = {
        "array": lambda tensor: tensor.numpy(),
        "storage": lambda tensor: tensor.untyped_storage(),
        "graph": lambda tensor: torch.ones(SIZE, requires_grad=True) * tensor,
        "weight": torch.nn.Parameter,
        "buffer": lambda tensor: torch.utils.dlpack.to_dlpack(tensor),
    }
    for keep in held.values():
        spare = SpareMemory()
        first = spare.empty(SIZE)
        place, kept = first.data_ptr(), keep(first)
        del first
        assert spare.empty(SIZE).data_ptr() != place
        del kept
        spare = SpareMemory()


def test_memory_that_other_processes_see_is_left_to_them():
    spare = SpareMemory()
    first = spare.empty(SIZE).share_memory_()
    place = first.data_ptr()
    del first
    assert spare.empty(SIZE).data_ptr() != place


def test_so_many_pieces_are_kept_and_each_fits_its_own_size():
    spare = SpareMemory(pieces=2)
    places = [spare.empty((LEAST // 4 * rows,)).data_ptr() for rows in (1, 2)]
    assert spare.empty((LEAST // 2,)).data_ptr() == places[1]
    assert spare.empty((1, LEAST // 4)).data_ptr() == places[0]
    spare.empty((LEAST,))
    assert len(spare) == 2
    spare.clear()
    assert len(spare) == 0


def test_what_is_made_is_an_ordinary_tensor():
    spare = SpareMemory()
    for size, stride in (
        (SIZE, None),
        (SIZE, (1, 2)),
        ((3, 2), None),
        ((3, 2), (1, 3)),
        ((), None),
    ):
        made = spare.empty(size, stride, torch.float64)
        assert made._base is None and made.dtype == torch.float64
        assert made.stride() == torch.empty_strided(size, stride or made.stride()).stride()
        assert stride is not None or made.is_contiguous()
        assert made.fill_(2).sum() == 2 * made.numel()


def test_copies_and_pickles_have_no_memory_in_common():
    spare = SpareMemory(pieces=3)
    spare.empty(SIZE)
    for again in (copy.deepcopy(spare), pickle.loads(pickle.dumps(spare))):
        assert (again.pieces, len(again)) == (3, 0)
