"""x."""
NAME = "KServe"
STAGES = ("dev", "staging", "prod")
PROGRAMS = {"kubectl": "x"}
def checks(): return []
def steps(stage, image): return []
