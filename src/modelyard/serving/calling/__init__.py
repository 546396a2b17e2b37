"""How clients call a server: what is sent, when it is sent again, what an answer means. One core for blocking and awaited calls.

A call is a *plan*: a generator that yields what is to be done outside (`plans.Send`, `plans.Pause`) and returns the result. The wires in
`wire` do that, one blocking and one awaiting; everything else is written once.
"""
