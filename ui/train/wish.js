// A wish takes a second to be heard: what was pressed here holds on the screen until the run says the same.

function makeWish() {
  let wished = null;
  return {
    make(value) {
      wished = value;
    },
    or(inForce) {
      if (wished === inForce) wished = null;
      return wished ?? inForce;
    },
  };
}
