"""What tests of a page that is changed share."""

import base64
import io

import numpy as np
from PIL import Image

from cnnfilter.pipeline import Pipeline

RAMP = np.arange(42, dtype=np.uint8).reshape(1, 6, 7) ** 2 % 200
UP, DOWN, ENTER, SPACE, RIGHT = "\ue013", "\ue015", "\ue007", " ", "\ue014"


def on_ramp(show):
    """`show` of a page of stages on a picture, `RAMP` unless given, which `ramp.png` holds."""

    def shown(stages, maps=RAMP, **more):
        return show(stages, maps, **{"file": "ramp.png"} | more)

    return shown


def settle(tab):
    tab.wait("return model.stages.length > 0 && model.ready.then(() => true)")


def texts(tab):
    return tab.run("return model.stages.map((_, place) => model.text(place + 1))")


def check(tab, stages, maps=RAMP):
    """The page shows these stages, with the results that the command has of them."""
    settle(tab)
    assert ",".join(texts(tab)) == stages
    expected = Pipeline.parse(stages).run(maps.astype(np.float32), layout="chw")
    values = tab.run("return Array.from(model.results[model.stages.length].values)")
    np.testing.assert_allclose(values, expected.ravel(), rtol=1e-6, atol=1e-5)


def field(tab, label, part=".change"):
    return tab.find(f"{part} input[aria-label='{label}']")


def type_into(tab, element, text):
    tab.run("arguments[0].focus(); arguments[0].select?.()", element)
    tab.press(text)


def choose_stage(tab, number):
    tab.run(
        "const list = document.querySelector('.change select'); list.value = arguments[0]; "
        "list.dispatchEvent(new Event('change'))",
        str(number),
    )


def button(tab, text):
    (found,) = [each for each in tab.find_all("button") if each.text == text]
    return found


def said(tab, selector):
    return [each.text for each in tab.find_all(selector) if each.is_displayed()]


def png(array, **options):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG", **options)
    return stream.getvalue()


def drop(tab, data, kind="image/png"):
    """Drop a file on the page, and wait until it was taken or refused."""
    told = "document.querySelectorAll('.picture-panel > .mistake, .picture-panel > [role=status]')"
    tab.run(f"for (const each of {told}) each.textContent = ''")
    tab.run(
        """
        const bytes = Uint8Array.from(atob(arguments[0]), (each) => each.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], "<b>name", {type: arguments[1]}));
        for (const kind of ["dragover", "drop"]) {
            document.body.dispatchEvent(new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
        }
        """,
        base64.b64encode(data).decode(),
        kind,
    )
    tab.wait(f"return [...{told}].some((each) => each.textContent)")
    settle(tab)
