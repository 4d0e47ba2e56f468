"""The recorder in training frameworks: `layerscope.callbacks.lightning` and `layerscope.callbacks.huggingface`."""
