"""llama.cpp: xllamacpp, llama-cpp-python and llama-server"""
