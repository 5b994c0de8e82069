"""Texts of random networks with branches: there and back, and what is said of one that is wrong."""

import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnnfilter.errors import GrammarError
from cnnfilter.network.grammar import parse
from cnnfilter.network.graph import INPUT, stretches
from cnnfilter.network.listing import stage_texts
from cnnfilter.network.plan import plan
from cnnfilter.network.stages.text import Piece, split, unescape
from tests.graphs import graph, graphs

drawn = given(st.randoms(use_true_random=False))
often = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@drawn
@often
def test_a_text_comes_back_as_the_same_network(draw):
    text, size = graph(draw)
    network = parse(text)
    assert parse(str(network)) == network
    assert str(parse(str(network))) == str(network)
    assert [row.reads for row in plan(network, size)] == [node.reads for node in network]


@drawn
@often
def test_a_network_is_listed_as_it_is_read(draw):
    network = parse(graph(draw)[0])
    names = [f":as=n{number}" for number in range(len(network))]
    numbered = [f"n{number}" for number in range(len(network))]
    called = {node.name: number for number, node in enumerate(network) if node.name is not None}
    pieces = []
    for number, (node, text) in enumerate(zip(network, stage_texts(network), strict=True)):
        if number - 1 not in node.reads:
            read = node.reads[-1]
            pieces.append(f"from:{'in' if read == INPUT else numbered[read]}")
        head, *rest = split(Piece(text, 1), ":")
        if head.text in ("add", "multiply", "concat"):
            read = [unescape(each.text) for each in split(rest[0], "+")]
            joined = (each if each in ("in", "last") else numbered[called[each]] for each in read)
            text = f"{head.text}:{'+'.join(joined)}"
        pieces.append(text + names[number])
    again = parse(",".join(pieces))
    assert [(node.stage, node.reads) for node in again] == [(node.stage, node.reads) for node in network]


def test_stretches_are_run_one_after_the_other():
    for text, _ in graphs(5, 50):
        network = parse(text)
        found = stretches([node.reads for node in network], [len(network) - 1])
        assert [number for each in found for number in each] == list(range(len(network)))
        readers = network.readers()
        for each in found:
            assert all(network[number].reads == (number - 1,) for number in each[1:])
            assert all(readers[number] == [number + 1] for number in each[:-1])


# What is wrong is told at its place.

WRONG = re.compile(r"^stage (\d+) .*\(column (\d+)\): (.*)$")


def mistakes(draw, pieces):
    """Pieces with one mistake, the number of the piece and what is wrong with it."""
    pieces = list(pieces)
    joins = [n for n, piece in enumerate(pieces) if piece.partition(":")[0] in ("add", "multiply", "concat", "from")]
    named = [n for n, piece in enumerate(pieces) if ":as=" in piece]
    kind = draw.choice(["unknown", "reserved", "twice", "end", "from twice", "unread"])
    if kind == "unknown":
        place = draw.choice(joins)
        pieces[place] = f"{pieces[place].partition(':')[0]}:nobody"
        return pieces, place, "no stage before it is named 'nobody'"
    if kind == "reserved":
        place = draw.choice(named)
        name = draw.choice(["in", "last", "vgg-16"])
        pieces[place] = pieces[place].partition(":as=")[0] + f":as={name}"
        return pieces, place, f"'{name}' cannot be a name: it has a meaning"
    if kind == "twice":
        place = draw.choice(named)
        return (
            [*pieces[: place + 1], "tanh" + pieces[place][pieces[place].index(":as=") :], *pieces[place + 1 :]],
            (place + 1),
            "is the name of stage",
        )
    if kind == "end":
        return [*pieces, "from:in"], len(pieces), "a stage must follow it"
    if kind == "from twice":
        place = draw.choice([n for n in range(1, len(pieces)) if not pieces[n - 1].startswith("from:")])
        return [*pieces[:place], "from:in", "from:in", *pieces[place:]], place + 1, "a stage must stand between two"
    return [*pieces, "from:in", "relu"], len(pieces) - 1, "no stage reads its result: the next begins elsewhere"


@pytest.mark.parametrize("seed", range(4))
def test_an_error_points_at_its_stage_and_column(seed):
    draw = random.Random(seed)
    for text, _ in graphs(seed, 40):
        pieces, place, message = mistakes(draw, [piece.text for piece in split(Piece(text, 1), ",")])
        wrong = ",".join(pieces)
        with pytest.raises(GrammarError) as error:
            parse(wrong)
        stage, column, reason = WRONG.match(str(error.value)).groups()
        assert message in reason, wrong
        begin = len(",".join([*pieces[:place], ""])) + 1
        assert begin <= int(column) <= begin + len(pieces[place]), wrong
        assert int(stage) == 1 + sum(not piece.startswith("from:") for piece in pieces[:place])
        assert (error.value.stage, error.value.column) == (int(stage), int(column))
