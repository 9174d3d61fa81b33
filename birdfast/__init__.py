"""Recognise birds and other animals in sound, on CPUs.

audio file -> windows -> spectrogram -> tokens -> embedding -> scores -> tables     (STSG)
audio file -> windows -> [spectrogram ->] TFLite session ----> scores -> tables     (pretrained networks)
"""

__version__ = "0.1.0"
