// Stands in for d3-geo, d3-dsv and topojson-client: a report draws no maps, and its data arrive as rows. What is
// called all the same says so instead of doing nothing.
const absent = () => {
  throw new Error("maps and delimited files are not part of this runtime");
};

export {
  absent as dsvFormat,
  absent as feature,
  absent as geoArea,
  absent as geoBounds,
  absent as geoCentroid,
  absent as mesh,
};
