"""Run by CoRelAy's own interpreter: `python corelay_analysis.py ATTRIBUTIONS FOLDER` analyses each class.

It writes FOLDER/code.h5, as ViRelAy reads it, and FOLDER/documented.h5. Written for CoRelAy's public interface.
"""

import sys

import h5py
import numpy as np
from corelay.pipeline.spectral import SpectralClustering
from corelay.processor.affinity import SparseKNN
from corelay.processor.clustering import KMeans
from corelay.processor.embedding import EigenDecomposition, TSNEEmbedding
from corelay.processor.flow import Parallel

CLUSTERS = (2, 3)


def analyzed(maps):
    pipeline = SpectralClustering(
        affinity=SparseKNN(n_neighbors=5, symmetric=True),
        embedding=EigenDecomposition(n_eigval=4, is_output=True),
        clustering=Parallel(
            [Parallel([KMeans(n_clusters=k) for k in CLUSTERS], broadcast=True), TSNEEmbedding(perplexity=5.0)],
            broadcast=True,
            is_output=True,
        ),
    )
    (eigenvalues, eigenvectors), (kmeans, tsne) = pipeline(maps.reshape(len(maps), -1).astype(np.float64))
    return np.asarray(eigenvalues), np.asarray(eigenvectors), kmeans, np.asarray(tsne)


def write(target, layout, index, eigenvalues, eigenvectors, kmeans, tsne):
    target["index"] = index.astype(np.uint32)
    documented = layout == "documented"
    root = "/root" if documented else ""
    target[f"embedding/spectral{root}"] = eigenvectors.astype(np.float32)
    target[f"embedding/tsne{root}"] = tsne.astype(np.float32)
    if documented:
        target["embedding/spectral/eigenvalue"] = eigenvalues.astype(np.float32)
        target["embedding/tsne/base"] = h5py.SoftLink("embedding/spectral")
        target["name"] = "an analysis"
    else:
        target["embedding/spectral"].attrs["eigenvalue"] = eigenvalues.astype(np.float32)
    for k, labels in zip(CLUSTERS, kmeans, strict=True):
        place = f"{'clustering' if documented else 'cluster'}/kmeans-{k:02d}"
        target[place + root] = np.asarray(labels).astype(np.uint32 if documented else np.int32)
        if documented:
            target[f"{place}/#clusters"] = k
        else:
            target[place].attrs["k"] = k


def main(attributions, folder):
    with (
        h5py.File(attributions) as source,
        h5py.File(f"{folder}/code.h5", "w") as code,
        h5py.File(f"{folder}/documented.h5", "w") as documented,
    ):
        index, label = source["index"][()], source["label"][()]
        for number in np.unique(label):
            rows = np.flatnonzero(label == number)
            found = analyzed(source["attribution"][rows])
            for layout, target in (("code", code), ("documented", documented)):
                write(target.create_group(f"n{number:08d}"), layout, index[rows], *found)


main(*sys.argv[1:])
