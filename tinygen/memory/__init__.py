"""The memory planner: which buffers are alive when, and where each lies in one static arena."""
