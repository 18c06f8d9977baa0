// Runs the encoder or the decoder of a safetensors file whose metadata lists its layers. No DOM: a worker runs it too.

/**
 * Loads one part of a network. Every shape is checked and every buffer made here, so that `run` only computes.
 *
 * @param {ArrayBuffer|Uint8Array} file  a safetensors file with the layers in its metadata
 * @param {"encoder"|"decoder"} part
 * @returns {{metadata: Object<string, string>, inputSize: number, outputShape: number[],
 *   run: function(Float32Array): Float32Array}}
 *   `run` takes one flat input (an image as channel-height-width, or z) and returns the raw output. The array it returns
 *   is the network's own and is overwritten by the next run: copy what must last.
 * @throws {Error} when the file is damaged, a layer unknown, or the shapes do not fit
 */
function loadNetwork(file, part) {
  const { metadata, tensors } = parseSafetensors(file);
  if (metadata.format !== "vae-network" || metadata.version !== "1") {
    throw new Error(`The weights are of format "${metadata.format}" ${metadata.version}; known is "vae-network" 1.`);
  }
  let shape = inputShape(metadata, part);
  const input = new Float32Array(elementCount(shape));
  let values = input;
  const steps = [];
  layerList(metadata, part).forEach((layer, position) => {
    try {
      const added = addLayer(layer, shape, values, tensors);
      ({ shape, values } = added);
      if (added.step) steps.push(added.step);
    } catch (error) {
      throw new Error(`Layer ${position} of the ${part} (${layer?.type}): ${error.message}`, { cause: error });
    }
  });
  checkOutput(metadata, part, shape);
  return {
    metadata,
    inputSize: input.length,
    outputShape: shape,
    run(source) {
      if (source.length !== input.length) {
        throw new Error(`The ${part} takes ${input.length} numbers, not ${source.length}.`);
      }
      input.set(source);
      for (let i = 0; i < steps.length; i++) steps[i]();
      return values;
    },
  };
}

function layerList(metadata, part) {
  const layers = metadataJson(metadata, part);
  if (!Array.isArray(layers)) throw new Error(`The weights' "${part}" is not a list of layers.`);
  return layers;
}

function metadataJson(metadata, key) {
  if (metadata[key] === undefined) throw new Error(`The weights' metadata has no "${key}".`);
  try {
    return JSON.parse(metadata[key]);
  } catch {
    throw new Error(`The weights' "${key}" is not JSON.`);
  }
}

/** The image's [channels, height, width]. */
function metadataShape(metadata) {
  const shape = metadataJson(metadata, "shape");
  if (!isCountList(shape) || shape.length !== 3) throw new Error(`The image shape ${metadata.shape} is not [C, H, W].`);
  return checkedShape(shape);
}

function inputShape(metadata, part) {
  const latent = metadataJson(metadata, "latent_dim");
  return part === "encoder" ? metadataShape(metadata) : checkedShape([latent]);
}

function checkOutput(metadata, part, shape) {
  const expected = part === "encoder" ? inputShape(metadata, "decoder") : metadataShape(metadata);
  const learned = metadata.output === "gaussian-learned" ? 2 : 1;
  const allowed = (part === "encoder" ? [1, 2] : [learned]).map((factor) => factor * elementCount(expected));
  if (!allowed.includes(elementCount(shape))) {
    throw new Error(`The ${part} ends in shape [${shape}]; it should give ${allowed.join(" or ")} numbers.`);
  }
}

/** A bound on what one activation may hold (64 MB) keeps a wrong file from freezing the tab. */
function checkedShape(shape) {
  if (!isCountList(shape) || shape.includes(0) || elementCount(shape) > 2 ** 24) {
    throw new Error(`[${shape}] is no shape that can be computed here.`);
  }
  return shape;
}

/** One layer on top of `values` of the given shape: the new shape and values, and the step that fills them, if any. */
function addLayer(layer, shape, values, tensors) {
  const inPlace = (activation) => ({ shape, values, step: () => activation(values) });
  switch (layer?.type) {
    case "Linear": return addLinear(layer, shape, values, tensors);
    case "Conv2d": return addConvolution(layer, shape, values, tensors, false);
    case "ConvTranspose2d": return addConvolution(layer, shape, values, tensors, true);
    case "Flatten": return { shape: [elementCount(shape)], values };
    case "Unflatten": return addUnflatten(layer, shape, values);
    case "ReLU": return inPlace(reluInPlace);
    case "SiLU": return inPlace(siluInPlace);
    case "GELU": return inPlace(geluInPlace);
    case "Tanh": return inPlace(tanhInPlace);
    case "Sigmoid": return inPlace(sigmoidInPlace);
    default: throw new Error("this kind of layer is unknown here.");
  }
}

function addUnflatten(layer, shape, values) {
  const target = checkedShape(layer.shape);
  if (shape.length !== 1 || elementCount(target) !== shape[0]) {
    throw new Error(`[${shape}] cannot become [${target}].`);
  }
  return { shape: target, values };
}

function addLinear(layer, shape, values, tensors) {
  const weight = tensorNamed(tensors, layer.weight, 2);
  const [outputs, inputs] = weight.shape;
  if (shape.length !== 1 || shape[0] !== inputs) throw new Error(`it takes [${inputs}] and is given [${shape}].`);
  const { output, run } = makeLinear(weight.data, biasNamed(tensors, layer.bias, outputs), inputs, outputs);
  return { shape: [outputs], values: output, step: () => run(values) };
}

function addConvolution(layer, shape, values, tensors, transposed) {
  const { data, shape: [first, second, height, width] } = tensorNamed(tensors, layer.weight, 4);
  const [inputs, outChannels] = transposed ? [first, second] : [second, first];
  if (shape.length !== 3 || shape[0] !== inputs) {
    throw new Error(`it takes an image of ${inputs} channels and is given [${shape}].`);
  }
  const axes = convolutionAxes(layer, shape, [height, width], transposed);
  const outputShape = checkedShape([outChannels, axes[0].outputs, axes[1].outputs]);
  const plan = planConvolution({
    shape, outChannels, rows: axes[0], columns: axes[1],
    bias: biasNamed(tensors, layer.bias, outChannels),
    weightAt: (out, channel, row, column) =>
      data[((transposed ? channel * outChannels + out : out * inputs + channel) * height + row) * width + column],
  });
  const output = new Float32Array(elementCount(outputShape));
  return { shape: outputShape, values: output, step: () => runConvolution(plan, values, output) };
}

function convolutionAxes(layer, [, height, width], kernel, transposed) {
  const { stride, padding, output_padding: outputPadding = [0, 0] } = layer;
  const pairs = [stride, padding, outputPadding];
  if (!pairs.every((pair) => isCountList(pair) && pair.length === 2) || stride.includes(0)) {
    throw new Error("its stride, padding or output padding is not a pair of counts.");
  }
  const axis = transposed ? transposedAxis : convolutionAxis;
  return [height, width].map((size, i) => (
    axis({ size, kernel: kernel[i], stride: stride[i], padding: padding[i], outputPadding: outputPadding[i] })
  ));
}

function tensorNamed(tensors, name, dimensions) {
  const tensor = tensors[name];
  if (!tensor) throw new Error(`its tensor ${name} is not in the file.`);
  if (tensor.shape.length !== dimensions || tensor.shape.includes(0)) {
    throw new Error(`its tensor ${name} has shape [${tensor.shape}]; it should have ${dimensions} dimensions.`);
  }
  if (!(tensor.data instanceof Float32Array)) throw new Error(`its tensor ${name} holds integers, not weights.`);
  return tensor;
}

function biasNamed(tensors, name, length) {
  if (name === null || name === undefined) return null;
  const { shape, data } = tensorNamed(tensors, name, 1);
  if (shape[0] !== length) throw new Error(`its bias has ${shape[0]} numbers; it should have ${length}.`);
  return data;
}
