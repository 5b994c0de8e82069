"""Calls of other loops that threads share out among themselves; see `engine/crew`, which lays the words out."""

from __future__ import annotations

from cnnfilter.engine.codes import ASLEEP, BUSY, GIVEN, LOOKS, WAITING
from cnnfilter.engine.lanes.words import call, count_up, exchange, pause, put_word, word
from cnnfilter.runtime.jit import loop, part


@part
def _rest(looks, relax):
    """Pause between two looks at a word; now and then let another thread have the processor."""
    pause()
    if looks % LOOKS == LOOKS - 1 and relax != 0:
        call(relax, 0)


@part
def _take_part(work, relax):
    """Make the calls of one piece after the other that nobody has begun, once those are done that it needs."""
    count, done = word(work + 16), work + 8
    piece = count_up(work)
    while piece < count:
        at = work + 8 * word(work + 24 + 8 * piece)
        looks = 0
        while word(done) < word(at):
            _rest(looks, relax)
            looks += 1
        for number in range(word(at + 8)):
            begin = at + 16 + 16 * number
            call(word(begin), work + 8 * word(begin + 8))
        count_up(done)
        piece = count_up(work)


@loop
def attend(state, patience, relax):
    """Take part in work as it is given, until none comes for so many looks.

    Parameters
    ----------
    state : int
        The address of a word, and of the next, which says where the work is.
    patience : int
    relax : int
        The address of a function that lets another thread have the processor, or 0.
    """
    looks = 0
    while looks < patience or not exchange(state, WAITING, ASLEEP):
        if word(state) == GIVEN and exchange(state, GIVEN, BUSY):
            _take_part(word(state + 8), relax)
            put_word(state, WAITING)
            looks = 0
        else:
            _rest(looks, relax)
            looks += 1


@loop
def lead(work, states, relax):
    """Do some work, with others who wait for some.

    Parameters
    ----------
    work : int
        Its address.
    states : (n,) int64
        The address of each one's state.
    relax : int
        As `attend` takes it.
    """
    put_word(work, 0)
    put_word(work + 8, 0)
    for state in states:
        put_word(state + 8, work)
        exchange(state, WAITING, GIVEN)
    _take_part(work, relax)
    for state in states:
        exchange(state, GIVEN, WAITING)  # of one who did not begin
        looks = 0
        while word(state) == BUSY:
            _rest(looks, relax)
            looks += 1
