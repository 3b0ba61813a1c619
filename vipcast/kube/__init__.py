"""The door to Kubernetes' objects. Pure: dicts in, the model's values out, and the other way round.

fields      reading typed values out of a raw object
defaults    what an API server fills in
parse       raw object → Service, EndpointSlice, Node, key bytes
render      Service status, Event, ConfigurationState, Secret → raw object
status      what the speakers report → raw object, and back
store       everything that was parsed, by name, fed with what changed
"""
