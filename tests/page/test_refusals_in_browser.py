"""What a page cannot do is told where it was asked for, and the page goes on to show what there is."""

import numpy as np

RAMP = np.arange(42, dtype=np.uint8).reshape(1, 6, 7) ** 2 % 200


def test_an_address_typed_after_another_picture_can_be_undone_too(show):
    tab = show("relu", RAMP)
    states = tab.run("""
        const given = model.picture;
        model.insert(1, "abs");
        model.picture = {shape: [6, 7, 1], values: new Float32Array(42)};
        cnnfilter.state = "";
        const told = [model.stages.length, model.depth];
        model.undo();
        told.push(model.stages.length, model.picture === given);
        model.undo();
        return [...told, model.stages.length, model.picture === given];
    """)
    assert states == [1, 3, 2, False, 2, True]


def test_the_window_stays_inside_of_a_result_that_is_being_computed(show):
    tab = show("conv:edge,relu,abs", np.zeros((1, 12, 14), np.uint8))
    tab.run("model.select(3, 0, 9, 11); document.querySelector('.board').scrollIntoView({block: 'center'})")
    found = tab.run("""
        const {compute} = KINDS.conv;
        KINDS.conv.compute = (...given) => {
            const begun = performance.now();
            while (performance.now() < begun + 2 * PATIENCE) {}
            return compute(...given);
        };
        model.set(1, "stride", 3);
        const told = [model.results[3] === null, [...model.selection.at]];
        const {right, bottom} = document.querySelector(".board canvas").getBoundingClientRect();
        const at = {clientX: right - 1, clientY: bottom - 1, bubbles: true, pointerType: "mouse"};
        for (const [x, y] of [[300, 300], [0, 0]]) {
            const moved = new PointerEvent("pointermove", {...at, clientX: at.clientX - x, clientY: at.clientY - y});
            document.querySelector(".board canvas").dispatchEvent(moved);
            told.push([...model.selection.at]);
        }
        for (const key of ["ArrowRight", "End", "ArrowDown"]) {
            document.querySelector(".board").dispatchEvent(new KeyboardEvent("keydown", {key}));
        }
        return model.ready.then(() => [...told, [...model.selection.at]]);
    """)
    assert found == [True, [3, 3, 0], found[2], [3, 3, 0], [3, 3, 0]]
