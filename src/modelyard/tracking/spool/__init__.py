"""The spool: what a training process told and the destination may not know yet, in a folder that survives both.

A folder per destination holds a folder per process::

    <state>/spool/<destination>/destination.json    its address, never a secret
                                sender.lock         held by the one process that sends
                                <spool id>/writer.lock      held by the process that writes, for as long as it lives
                                           head.json        who wrote it, and after which other spool it comes
                                           board            counters that both see at once (`board`)
                                           0000000000000001.seg …   numbered records (`format`)
                                           files/<sha256>   files as they were when they were logged
                                           sent.json        what the sender remembers
                                           problems.jsonl   what the destination refused

`recorder` is what training calls, `reader` what a sender reads; both meet in these files only.
"""
