"""Every method of explanation by name: a question in, a map of the images' size out.

Maps are `[n, ...]`, the larger the more important; those of signed methods are absolute values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from torch import Tensor

from bmdpipe.core.config.explain import MapMethod
from bmdpipe.explain.fullgrad import full_gradient
from bmdpipe.explain.gradcam import grad_cam, grad_cam_pp
from bmdpipe.explain.gradram import grad_ram, grad_ramp
from bmdpipe.explain.question import Question
from bmdpipe.explain.removal import removal_relevance
from bmdpipe.explain.response import Response
from bmdpipe.explain.upsample import to_size

Method = Callable[[Question], Tensor]


def _coarse(weigh: Callable[[Response], Tensor]) -> Method:
    return lambda asked: to_size(weigh(asked.response), asked.x.shape[2:])


def _guided(asked: Question) -> Tensor:
    return asked.guided.abs().sum(dim=1)


def _lrp(asked: Question) -> Tensor:
    return asked.relevance.image.sum(dim=1).abs()


def _crm(asked: Question) -> Tensor:
    if asked.layer is None:
        raise ValueError("the network has no feature maps")
    return to_size(removal_relevance(asked.model, asked.layer, asked.x), asked.x.shape[2:])


def _times(first: Method, second: Method) -> Method:
    return lambda asked: first(asked) * second(asked)


METHODS: dict[MapMethod, Method] = {
    "grad_cam": _coarse(grad_cam),
    "grad_cam_pp": _coarse(grad_cam_pp),
    "grad_ram": _coarse(grad_ram),
    "grad_ramp": _coarse(grad_ramp),
    "guided": _guided,
    "guided_grad_cam_pp": _times(_guided, _coarse(grad_cam_pp)),
    "lrp": _lrp,
    "lrp_grad_cam_pp": _times(_lrp, _coarse(grad_cam_pp)),
    "full_grad": lambda asked: full_gradient(asked.model, asked.x, asked.output).map(),
    "crm": _crm,
}


def draw_maps(
    asked: Question, methods: Iterable[MapMethod]
) -> tuple[dict[MapMethod, Tensor], dict[MapMethod, str]]:
    """The maps of the methods that the network can carry, and for each other one the reason."""
    maps: dict[MapMethod, Tensor] = {}
    reasons: dict[MapMethod, str] = {}
    for name in methods:
        try:
            maps[name] = METHODS[name](asked).detach()
        except ValueError as fault:
            reasons[name] = str(fault)
    return maps, reasons
