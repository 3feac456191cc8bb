"""tinygen: from a Keras model to firmware proven to fit its board and to compute TensorFlow Lite Micro's bits."""

__version__ = "0.1.0"
