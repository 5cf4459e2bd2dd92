"""Ollama"""
