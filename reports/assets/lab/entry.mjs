// What JupyterLab needs to draw the charts that altair writes: the compiler of Vega-Lite, the parts of Vega that it
// compiles to (maps and regressions as well, which a report does not draw), and the interpreter that walks expressions
// instead of evaluating text. Written by parts: Vega's own bundle pins older ones.
import { transforms } from "vega-dataflow";
import * as encode from "vega-encode";
import * as geo from "vega-geo";
import { expressionInterpreter } from "vega-interpreter";
import { loader } from "vega-loader";
import { parse } from "vega-parser";
import * as regression from "vega-regression";
import * as core from "vega-transforms";
import { View } from "vega-view";
import * as view from "vega-view-transforms";
import { compile } from "vega-lite";

Object.assign(transforms, core, view, encode, geo, regression);

export { View, compile, expressionInterpreter, loader, parse, transforms };
