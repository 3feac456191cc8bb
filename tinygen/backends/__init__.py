"""The back ends: each turns a graph and its plan into the files of a project, in memory."""
