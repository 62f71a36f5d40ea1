"""The Elasticsearch backend: a cluster holds collections, each an index behind an alias."""

from retrieval.elasticsearch.cluster import Cluster, ClusterSettings, connect
from retrieval.elasticsearch.home import ElasticsearchHome
from retrieval.elasticsearch.index import ElasticsearchIndex

__all__ = ["Cluster", "ClusterSettings", "ElasticsearchHome", "ElasticsearchIndex", "connect"]
