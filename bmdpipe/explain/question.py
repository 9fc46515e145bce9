"""What is asked of a network, and the answers that several methods share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor, nn

from bmdpipe.explain.frozen import frozen
from bmdpipe.explain.guided import guided_gradient
from bmdpipe.explain.lrp import Relevance, relevance
from bmdpipe.explain.response import Output, Response, at_layer, one_number


@dataclass(frozen=True)
class Question:
    """Which parts of images `x` `[n, c, ...]` make the output what it is?

    `layer` names the module whose feature maps the activation maps weigh, None where a network has
    none; `output` picks one number per image, such as `Chosen`.
    """

    model: nn.Module
    layer: str | None
    x: Tensor
    output: Output = one_number

    @cached_property
    def response(self) -> Response:
        if self.layer is None:
            raise ValueError("the network has no feature maps")
        model = frozen(self.model)
        return at_layer(model, model.get_submodule(self.layer), self.x, self.output)

    @cached_property
    def guided(self) -> Tensor:
        return guided_gradient(self.model, self.x, self.output)

    @cached_property
    def relevance(self) -> Relevance:
        return relevance(self.model, self.x, self.output)


@dataclass(frozen=True)
class Chosen:
    """The output of one class per image, of outputs `[n, classes]`."""

    classes: Tensor

    def __call__(self, outputs: Tensor) -> Tensor:
        chosen = self.classes.to(outputs.device).expand(len(outputs))
        picked: Tensor = outputs.gather(1, chosen[:, None])
        return picked[:, 0]

    def of(self, row: int) -> Chosen:
        """The class of one image, for any number of its changed copies."""
        return Chosen(self.classes[row : row + 1])
