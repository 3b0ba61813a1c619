"""The door to Kubernetes' objects.

Pure, dicts in, the model's values out, and the other way round:

fields      reading typed values out of a raw object
defaults    what an API server fills in
parse       raw object → Service, EndpointSlice, Node, key bytes
passwords   Secrets that BGPPeers name → their passwords
render      Service status, Event, ConfigurationState, Secret → raw object
status      what the speakers report → raw object, and back
store       everything that was parsed, by name, fed with what changed
paths       kinds and names → paths of the API
patches     what one writer owns of a status → a patch of it
mirror      lists and events of one kind → what is known, and what has changed

An API server as a Source:

api         the one importer of the client: calls and streams, with errors as sentences
watch       one kind, followed through every trouble
notes       Events counted up and bounded
source      KubeSource: all of it together
"""
