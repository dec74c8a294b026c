/** How two vectors are compared. */
export declare enum Metric {
  /** The greatest dot product. */
  Dot = 0,
  /** The least distance. */
  Distance = 1,
}

/** The sum of the products of two vectors of the same length. */
export declare function dot(a: Float32Array, b: Float32Array): number;

/** The row that is nearest to the query, among rows that lie one after another. */
export declare function nearest(rows: Float32Array, query: Float32Array, metric?: Metric): number;
