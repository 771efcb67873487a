"""What people read: the report page, MultiQC, the methods text, the estimate before a run, the words at its end."""
