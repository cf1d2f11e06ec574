"""The bundled face detector: its network, how it is trained, exported and measured (needs
`canthus[train]`).
"""
