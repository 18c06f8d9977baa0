"""Places on maps whose answer is plain to see, and boxes against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae.analysis.places import Box, bounds, class_places, places, widest_dimensions

RNG = np.random.default_rng(0)
ordinary = st.floats(-1e3, 1e3, width=32)


def spot(x: float, y: float, count: int, spread: float = 0.3) -> np.ndarray:
    return RNG.normal((x, y), spread, size=(count, 2)).astype(np.float32)


def overlap(box: Box, x: float, y: float) -> bool:
    return bool(box.holds(np.array([[x, y]]))[0])


# --- boxes


@given(st.tuples(ordinary, ordinary), st.tuples(ordinary, ordinary))
def test_the_corners_may_come_in_any_order(x: tuple[float, float], y: tuple[float, float]) -> None:
    box = Box.between(x, y)
    assert box == Box.between(x[::-1], y) == Box.between(x, y[::-1])
    assert box.area == pytest.approx(abs((x[1] - x[0]) * (y[1] - y[0])))
    assert box.holds(np.array([[x[0], y[1]], [x[1], y[0]]])).all()


@given(n=st.integers(1, 20), x=st.tuples(ordinary, ordinary), y=st.tuples(ordinary, ordinary))
def test_a_lattice_is_the_middles_of_equal_cells(n: int, x: tuple[float, float], y: tuple[float, float]) -> None:
    box = Box.between(x, y)
    width, height = (box.right - box.left) / n, (box.top - box.bottom) / n
    expected = [
        (box.left + (column + 0.5) * width, box.top - (row + 0.5) * height) for row in range(n) for column in range(n)
    ]
    np.testing.assert_allclose(box.lattice(n), expected, atol=1e-9)


def test_a_box_holds_its_edges_and_nothing_beside() -> None:
    points = np.array([[0, 0], [2, 1], [1, 0.5], [2.001, 0.5], [1, -0.001]])
    assert Box(0, 2, 0, 1).holds(points).tolist() == [True, True, True, False, False]


def test_bounds_leave_out_one_in_a_thousand_at_each_side() -> None:
    points = np.stack([np.arange(10_001.0), -np.arange(10_001.0)], axis=1)
    assert bounds(points) == Box(10, 9990, -9990, -10)


@pytest.mark.parametrize("points", [np.zeros((1, 2)), np.tile([3.0, -2.0], (50, 1)), np.outer(np.arange(9.0), [0, 1])])
def test_codes_in_one_spot_or_in_a_line_have_places_too(points: np.ndarray) -> None:
    found = places(points, np.zeros(len(points), np.int32))
    assert found.cluster.area > 0
    assert found.blank.area > 0
    assert found.seam is None


# --- dimensions


def test_the_widest_dimensions_are_found_and_kept_in_order() -> None:
    codes = RNG.normal(size=(500, 5)) * [1, 9, 0.1, 4, 1]
    assert widest_dimensions(codes) == (1, 3)
    assert widest_dimensions(codes[:, ::-1]) == (1, 3)
    assert widest_dimensions(codes[:, :1]) == (0, 0)


# --- places


def test_the_cluster_is_the_pure_one_and_the_seam_lies_where_two_meet() -> None:
    pure, first, second = spot(-6, 5, 400), spot(4, -4, 400), spot(4.6, -4, 400)
    points, labels = np.vstack([pure, first, second]), np.repeat([0, 1, 2], 400).astype(np.int32)
    found = places(points, labels)
    assert overlap(found.cluster, -6, 5)
    assert found.seam is not None
    inside = labels[found.seam.holds(points)]
    assert {1, 2} <= set(inside.tolist())
    assert 0 not in inside


def test_a_seam_is_no_place_where_three_classes_mix() -> None:
    mixed = [spot(5, 5, 500) for _ in range(3)]
    pair = [spot(-5, -5, 300) for _ in range(2)]
    points = np.vstack([*mixed, *pair])
    labels = np.concatenate([np.repeat([0, 1, 2], 500), np.repeat([0, 1], 300)])
    seam = places(points, labels).seam
    assert seam is not None
    assert overlap(seam, -5, -5)


def test_classes_that_never_come_near_have_no_seam() -> None:
    points = np.vstack([spot(-9, 0, 100), spot(9, 0, 100)])
    assert places(points, np.repeat([0, 1], 100)).seam is None


def test_the_blank_place_is_the_one_corner_without_codes() -> None:
    corners = np.vstack([spot(x, y, 300) for x, y in ((-5, -5), (-5, 5), (5, 5))])
    for turned in range(4):  # a quarter each time
        turn = np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), turned)
        blank = places(corners @ turn.T, None).blank
        assert np.linalg.norm(np.subtract(blank.middle, turn @ [5, -5])) < 1.5


def test_where_codes_are_everywhere_the_blank_place_is_the_emptiest() -> None:
    points = RNG.uniform(0, 1, size=(20_000, 2))
    thin = (np.abs(points - [0.3, 0.6]) < 0.15).all(axis=1) & (RNG.random(20_000) < 0.8)
    assert overlap(places(points[~thin], None).blank, 0.3, 0.6)


@given(arrays(np.float32, st.tuples(st.integers(1, 40), st.just(2)), elements=ordinary), st.data())
def test_the_blank_place_holds_the_fewest_codes_of_any_place_there_is(points: np.ndarray, data: st.DataObject) -> None:
    labels = data.draw(st.none() | arrays(np.int32, len(points), elements=st.integers(0, 3)))
    found = places(points, labels)
    blank = int(found.blank.holds(points).sum())
    for other in (found.cluster, found.seam):
        if other is not None:
            # Edges are shared between cells, so one that lies on an edge may count in either.
            assert blank <= int(other.holds(points).sum()) + 2
    assert np.isclose(found.blank.area, found.cluster.area)


def test_the_number_of_a_class_stands_in_its_denser_half() -> None:
    points = np.vstack([spot(0, 0, 600), spot(8, 0, 200), spot(4, 6, 300)])
    labels = np.concatenate([np.zeros(800), np.full(300, 7)]).astype(np.int32)
    found = class_places(points, labels)
    np.testing.assert_allclose(found[0], (0, 0), atol=0.6)
    np.testing.assert_allclose(found[7], (4, 6), atol=0.6)
