cat src/* > native.node
