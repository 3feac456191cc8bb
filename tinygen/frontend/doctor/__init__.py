"""The quantization doctor: what is wrong with an int8 model, seen in its file, in its data and layer by layer.

A check is a plain function that returns findings; none on a healthy model. `file_findings` needs the .tflite alone;
the others need the float model and the representative samples, which the worker that converts has at hand.
"""
