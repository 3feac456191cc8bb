"""Light backbones: small networks of the literature, over one axis (sensors) or two (images), in every width."""

from .registry import Backbone, backbone, backbone_names, backbones, build_backbone

__all__ = ["Backbone", "backbone", "backbone_names", "backbones", "build_backbone"]
