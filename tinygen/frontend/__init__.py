"""Models come in here: Keras files to int8 .tflite, and .tflite to a Graph."""
