"""Loops: seeing them in an answer. Text comes in, the class of loop or nothing goes out; pure."""
