"""The speaker's shell: plan, segments, interfaces, the loop and its reports."""
