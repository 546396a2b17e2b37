"""The page that a server shows of its models: a form for each method, examples, answers, how quick they come.

Nothing is loaded from anywhere else, and everything that a card says is data: it is sent as JSON and shown as text.
"""
