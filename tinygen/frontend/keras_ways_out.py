"""What to use in the place of Keras's own layers that no int8 model for a microcontroller can have."""

from __future__ import annotations

_VOLUMES = "Keep the depth among the channels and use the 2D layer, or put it in a TimeDistributed layer."
_FEATURES = "Prepare such features before the model: the firmware takes numbers."
_SPECTRA = "Compute spectra before the model: the firmware takes them as its input."
_FOREIGN = "It carries another framework's code; rebuild it out of Keras's own layers."
_CONVOLUTIONAL_STATE = "Use Conv2D on single frames, then GRU or SimpleRNN with unroll=True, or LSTM."
_ONES_MASK = "Leave it out and train on windows of one length; mask_zero=False in an Embedding."

WAYS_OUT: dict[str, str] = {
    **dict.fromkeys("Conv3D Conv3DTranspose MaxPooling3D AveragePooling3D Cropping3D".split(), _VOLUMES),
    **dict.fromkeys("AdaptiveMaxPooling3D AdaptiveAveragePooling3D".split(), _VOLUMES),
    **dict.fromkeys("ConvLSTM1D ConvLSTM2D ConvLSTM3D".split(), _CONVOLUTIONAL_STATE),
    **dict.fromkeys(
        "CategoryEncoding Discretization Hashing HashedCrossing IntegerLookup StringLookup TextVectorization "
        "DenseFeatures FeatureSpace MaxNumBoundingBoxes Pipeline".split(),
        _FEATURES,
    ),
    **dict.fromkeys("MelSpectrogram STFTSpectrogram".split(), _SPECTRA),
    **dict.fromkeys("JaxLayer FlaxLayer TorchModuleWrapper TFSMLayer".split(), _FOREIGN),
    **dict.fromkeys("Masking NotEqual Any".split(), _ONES_MASK),
    "RMSNormalization": "LayerNormalization or UnitNormalization in its place.",
    **dict.fromkeys(("GroupQueryAttention", "GroupedQueryAttention"), "MultiHeadAttention in its place."),
    "ReversibleEmbedding": "Embedding in its place, and a Dense layer for the way back.",
    **dict.fromkeys(
        ("AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization"), "Prepare images before the model."
    ),
    "RandomHeight": "Leave it out of the model that is saved: its output has no fixed size.",
    "RandomWidth": "Leave it out of the model that is saved: its output has no fixed size.",
}


def way_out(name: object, module: object, registered: object) -> str:
    """The hint for a class of that name; one for all where it is not Keras's or not known."""
    if isinstance(name, str) and str(module or "keras").startswith("keras") and registered in (None, name):
        if name in WAYS_OUT:
            return WAYS_OUT[name]
        if str(module).startswith("keras.src.ops"):
            return "Use a layer for it: keras.layers.Activation, Rescaling, Concatenate and their like."
    return "Only Keras's ordinary layers are loaded; custom classes need code, which tinygen does not run."
