"""LM Studio"""
