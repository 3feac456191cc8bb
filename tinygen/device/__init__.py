"""The board on its serial line: frames, the port, requests, samples streamed, boot lines read back."""
