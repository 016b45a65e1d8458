/**
 * Lint rules that oxlint does not bring along. Plain JavaScript: the linter loads it as it is.
 */

/** `new Date()` and `Date()` read the clock; `new Date(x)` does not. */
const noAmbientDate = {
  create: (context) => {
    const check = (node) => {
      const isDate = node.callee.type === "Identifier" && node.callee.name === "Date";
      if (!isDate || (node.type === "NewExpression" && node.arguments.length > 0)) return;
      context.report({
        node,
        message:
          "Date without a value reads the clock, which differs on replay (G8): use the Restate context's date, or do it inside a step",
      });
    };
    return { NewExpression: check, CallExpression: check };
  },
};

export default { meta: { name: "library" }, rules: { "no-ambient-date": noAmbientDate } };
