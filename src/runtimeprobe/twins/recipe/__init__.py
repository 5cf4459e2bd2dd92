"""How the twins are made: speech, training, export, comparison with llama.cpp's converter, evaluation on real engines.

Enters: espeak-ng's voices and a seed. Leaves: data/ beside this folder. Needs torch, transformers and espeak-ng to train; numpy,
safetensors and gguf to write GGUF; the engines themselves to evaluate.
"""
