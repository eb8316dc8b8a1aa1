"""Published measurements made again, each under exactly the convention of its source.

Every module offers `MEASURES`: group name -> function from a model to {id: Result}, for the records of that
group in `interp.published`.
"""
