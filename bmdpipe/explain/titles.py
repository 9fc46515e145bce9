"""What pages call the methods of explanation; they need no torch for it."""

from __future__ import annotations

from bmdpipe.core.config.explain import MapMethod

TITLES: dict[MapMethod, str] = {
    "grad_cam": "Grad-CAM",
    "grad_cam_pp": "Grad-CAM++",
    "grad_ram": "Grad-RAM",
    "grad_ramp": "Grad-RAMP",
    "guided": "guided backprop.",
    "guided_grad_cam_pp": "guided Grad-CAM++",
    "lrp": "LRP",
    "lrp_grad_cam_pp": "LRP × Grad-CAM++",
    "full_grad": "FullGrad",
    "crm": "CRM",
}
