// The part of Vega that draws a report's charts: no canvas of its own choosing, no eval (the interpreter walks the
// syntax tree instead), and only the transforms that compiled Vega-Lite needs. `transforms` is read by the build
// script, which writes their names into the manifest.
import { transforms } from "vega-dataflow";
import * as encode from "vega-encode";
import { expressionInterpreter } from "vega-interpreter";
import { parse } from "vega-parser";
import * as core from "vega-transforms";
import { View } from "vega-view";
import * as view from "vega-view-transforms";

Object.assign(transforms, core, view, encode);

export { View, expressionInterpreter, parse, transforms };
