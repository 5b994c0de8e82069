/**
 * The network of ConvNetJS's demo on MNIST, forward and backward, one picture after the other.
 *
 * Its argument is a JSON file of `pictures`, their `classes`, and `parameters` in the order of ConvNetJS. For each line
 * that it reads it goes through all pictures, and writes what came of it as JSON.
 */
"use strict";

const fs = require("node:fs");
const readline = require("node:readline");
const {Net, Vol} = require("convnetjs/build/convnet.js");

const SIDE = 28;

const {pictures, classes, parameters} = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));

const net = new Net();
net.makeLayers([
    {type: "input", out_sx: SIDE, out_sy: SIDE, out_depth: 1},
    {type: "conv", sx: 5, filters: 8, stride: 1, pad: 2, activation: "relu"},
    {type: "pool", sx: 2, stride: 2},
    {type: "conv", sx: 5, filters: 16, stride: 1, pad: 2, activation: "relu"},
    {type: "pool", sx: 3, stride: 3},
    {type: "softmax", num_classes: 10},
]);
net.getParamsAndGrads().forEach(({params}, place) => params.set(parameters[place]));

const volumes = pictures.map((values) => {
    const volume = new Vol(SIDE, SIDE, 1, 0);
    volume.w.set(values);
    return volume;
});

/** The mean loss and gradients, and the seconds that one picture took. */
function pass() {
    const numbers = net.getParamsAndGrads();
    numbers.forEach(({grads}) => grads.fill(0));
    let loss = 0;
    const begin = performance.now();
    for (const [place, volume] of volumes.entries()) {
        net.forward(volume, true);
        loss += net.backward(classes[place]);
    }
    const seconds = (performance.now() - begin) / 1000 / volumes.length;
    const gradients = numbers.map(({grads}) => Array.from(grads, (value) => value / volumes.length));
    return {loss: loss / volumes.length, gradients, seconds};
}

readline.createInterface({input: process.stdin}).on("line", () => console.log(JSON.stringify(pass())));
